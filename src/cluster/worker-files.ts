/**
 * The files that local workers run from, as their cluster sees them. Several workers share one state of the files; when it turns
 * out to be damaged all of them are ended, and the next ones get another.
 */
export interface WorkerFiles {
  /** What workers can be started from now: made where it is missing. @throws why it can not be made */
  open(signal?: AbortSignal): Promise<FilesState>;
  /** Stops what is being read. */
  close(): void;
}

export interface FilesState {
  readonly folder: string;
  /**
   * Settles once the files were read in full: false where they are damaged. Begins with the first call; the same answer for all.
   * No token of a worker that runs from them is final before.
   */
  isSound(): Promise<boolean>;
}
