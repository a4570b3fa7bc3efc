/** Orders texts alike on every machine, whatever its language. */
export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
