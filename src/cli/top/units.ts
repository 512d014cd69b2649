/** Figures as short texts; `-` stands for one that is not known. */
import { formatDuration } from '../duration.js';
import { bytesText } from '../offline.js';

type Figure = number | null;

const UNKNOWN = '-';
const COUNT_UNITS = ['', 'K', 'M', 'G'];

/** `950`, `1.2K`, `45K`: at most three digits, and a decimal below 10. */
export function countText(count: Figure): string {
  if (count === null) return UNKNOWN;
  let unit = 0;
  let value = count;
  // 999.5 would be printed as 1000.
  for (; value >= 999.5 && unit < COUNT_UNITS.length - 1; unit++) value /= 1000;
  const text = value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0);
  return `${text}${COUNT_UNITS[unit]}`;
}

export const sizeText = (bytes: Figure): string => (bytes === null ? UNKNOWN : bytesText(Math.round(bytes)));

/** `0ms`, `0.85ms`, `12ms`, `1.5s`. */
export function latencyText(ms: Figure): string {
  if (ms === null) return UNKNOWN;
  if (ms === 0) return '0ms';
  if (ms >= 1000) return formatDuration(ms);
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(ms < 1 ? 2 : 1)}ms`;
}

export const percentText = (percent: Figure): string =>
  percent === null ? UNKNOWN : `${percent.toFixed(0)}%`;

/** `42s`, `3m 12s`, `5h 7m`, `12d 4h`. */
export function uptimeText(seconds: number): string {
  const whole = Math.floor(seconds);
  const [days, hours, minutes] = [whole / 86_400, (whole / 3600) % 24, (whole / 60) % 60].map(Math.floor);
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${whole % 60}s` : `${whole}s`;
}
