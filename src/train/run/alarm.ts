/** What can be seen to go wrong before a run is lost. */
export const alarmKinds = [
  "not-a-number",
  "entropy-collapse",
  "equal-groups",
  "format-reward",
  "exploding-ratio",
  "exploding-gradient",
  "growing-unparsable",
] as const;
export type AlarmKind = (typeof alarmKinds)[number];

export interface Alarm {
  readonly kind: AlarmKind;
  /** The numbers, and the steps that they are of. */
  readonly seen: string;
  /** The settings to look at: option of the library, flag of `memory-r1 train`. */
  readonly remedy: string;
}
