/**
 * A handle on the peer's process: starts it, asks for a run, ends it.
 */
import { fileURLToPath } from 'node:url';
import { ChildProgram } from '../runner/child-messages.js';
import type { PeerAnswer, PeerRun, PeerSetup } from './peer-messages.js';

const PROGRAM = fileURLToPath(new URL('./llama-process.js', import.meta.url));

export class Llama {
  readonly #child: ChildProgram;

  private constructor(child: ChildProgram) {
    this.#child = child;
  }

  static async start(setup: PeerSetup): Promise<Llama> {
    const { child } = await ChildProgram.start(PROGRAM, "llama.cpp's process", setup);
    return new Llama(child);
  }

  run(request: PeerRun): Promise<PeerAnswer> {
    return this.#child.ask<PeerAnswer>(request);
  }

  close(): Promise<void> {
    return this.#child.close();
  }
}
