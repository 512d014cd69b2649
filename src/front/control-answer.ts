/** How answers of the control plane are made, whichever thread makes them. */
import type { ControlAnswer } from './control-plane.js';

export function json(httpStatus: number, body: unknown): ControlAnswer {
  return { httpStatus, body: JSON.stringify(body) };
}
