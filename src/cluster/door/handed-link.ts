/**
 * A link that is handed from one owner to another: whoever keeps the door hears a caller's first message, and he for whom the
 * caller has come hears everything after it.
 */
import { KvrError } from '../../core/errors.js';
import type { Frame } from '../../link/frame.js';
import type { Link, LinkHandlers } from '../../link/link.js';
import type { OpenLink } from '../../link/transport.js';

export class HandedLink {
  readonly link: Link;
  #handlers: LinkHandlers;
  #end: { readonly error: Error | undefined } | undefined;

  /** @param handlers of the first owner */
  constructor(open: OpenLink, handlers: LinkHandlers) {
    this.#handlers = handlers;
    this.link = open({
      onFrameHead: (header) => this.#handlers.onFrameHead?.(header),
      onFrame: (frame: Frame) => this.#handlers.onFrame(frame),
      onHeard: () => this.#handlers.onHeard?.(),
      onClose: (error) => {
        this.#end = { error };
        this.#handlers.onClose(error);
      },
    });
  }

  /** Makes the handlers those of the next owner, who is told at once where the link has ended meanwhile. */
  readonly handOver: OpenLink = (handlers) => {
    this.#handlers = handlers;
    const gone = new KvrError('LINK', 'link ended before it was taken');
    if (this.#end) queueMicrotask(() => handlers.onClose(this.#end?.error ?? gone));
    return this.link;
  };
}
