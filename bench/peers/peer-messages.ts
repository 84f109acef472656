/** What the peer's process is told and answers. */

export type PeerSetup = {
  /** The installed module, the file with the weights. */
  readonly entry: string;
  readonly gguf: string;
  readonly threads: number;
  /** Prompt and answer together, at most. */
  readonly contextTokens: number;
};

export type PeerRun = { readonly ids: number[]; readonly newTokens: number };

/** tokensPerS is that of the tokens after the first; null where there is only one. */
export type PeerAnswer = { readonly ttftMs: number; readonly tokensPerS: number | null };
