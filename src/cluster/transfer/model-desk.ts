/**
 * Gives the engine's model to machines that ask for it, piece by piece.
 */
import type { OpenLink } from '../../link/transport.js';
import { controlFrame } from '../../link/frame.js';
import type { FetchMessage, FromDesk, OfferedModel } from './messages.js';

/** Where the compiled model is, made when it is asked for. */
export type ModelFiles = {
  open(signal?: AbortSignal): Promise<{ readonly folder: string; isSound(): Promise<boolean> }>;
};

export class ModelDesk {
  constructor(model: OfferedModel, files: ModelFiles, tell: (words: string) => void) {
    void [model, files, tell];
  }

  serve(caller: {
    readonly message: FetchMessage;
    readonly host: string | undefined;
    readonly open: OpenLink;
  }): void {
    const link = caller.open({ onFrame: () => undefined, onClose: () => undefined });
    link.send(controlFrame({ type: 'refused', code: 'BAD_INPUT', message: 'not yet' } satisfies FromDesk));
    link.close();
  }

  close(): void {
    return;
  }
}
