/** What follows from what happens to the files of a vault. */
export interface PairListener {
  /** A file came to the store, or another took its place. */
  written(name: string): void;
  /** A file that was lost or damaged in the store came back from the replica. */
  healed(name: string): void;
}
