/** Comlink over Node's MessagePorts: the control plane between threads. Off the hot path. */
import type { MessagePort, Transferable } from 'node:worker_threads';
import * as Comlink from 'comlink';

type Handler = (event: { data: unknown }) => void;

/**
 * Comlink's view of a port. `afterPost` runs after every message sent; a shard sleeps in Atomics.wait and has to be
 * rung before it looks at its port.
 */
function portEndpoint(port: MessagePort, afterPost: () => void): Comlink.Endpoint {
  const listeners = new Map<unknown, (data: unknown) => void>();
  const endpoint = {
    postMessage: (message: unknown, transfer?: Transferable[]): void => {
      port.postMessage(message, transfer ?? []);
      afterPost();
    },
    addEventListener: (_type: string, handler: Handler): void => {
      const listener = (data: unknown): void => handler({ data });
      listeners.set(handler, listener);
      port.on('message', listener);
    },
    removeEventListener: (_type: string, handler: Handler): void => {
      const listener = listeners.get(handler);
      if (listener !== undefined) port.off('message', listener);
      listeners.delete(handler);
    },
  };
  // Comlink's types are those of browsers; this is the part of them that it uses.
  return endpoint as unknown as Comlink.Endpoint;
}

/** Offers `api` to the thread at the other end of `port`. `afterPost`: rings a caller that sleeps, after each answer. */
export function exposeOn(port: MessagePort, api: object, afterPost: () => void = () => {}): void {
  Comlink.expose(api, portEndpoint(port, afterPost));
}

/** The API that the other end of `port` offers; every call returns a promise. */
export function remoteOf<Api>(port: MessagePort, afterPost: () => void = () => {}): Comlink.Remote<Api> {
  return Comlink.wrap<Api>(portEndpoint(port, afterPost));
}

/** An argument that moves to the other thread instead of being copied. */
export function transfer(port: MessagePort): MessagePort {
  // Comlink's types are those of browsers; Node's ports are transferred alike.
  return Comlink.transfer(port, [port as never]);
}

export type Remote<Api> = Comlink.Remote<Api>;

/** An object among the properties of an API, whose methods can be called through it. */
export type Nested<Api> = Api & Comlink.ProxyMarked;

export function nested<Api extends object>(api: Api): Nested<Api> {
  return Comlink.proxy(api);
}
