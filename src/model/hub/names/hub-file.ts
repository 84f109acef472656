/**
 * A file as the hub lists it.
 */
export type BlobDigest = {
  /** sha-256 of the content for large files, git's own sha-1 for small ones. */
  readonly kind: 'sha256' | 'git-sha1';
  readonly hex: string;
};
export type HubFile = {
  /** Relative to the repository, and safe on every file system. */
  readonly path: string;
  readonly bytes: number;
  readonly digest: BlobDigest;
};
