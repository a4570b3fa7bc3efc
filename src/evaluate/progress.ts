export interface PlayProgress {
  /** Turns and questions that are done, of all dialogues together. */
  readonly done: number;
  readonly total: number;
}
