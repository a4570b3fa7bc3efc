/** 0 of nothing, so that an empty group does not spoil a table or a log. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
