/** Those of the memories that an answer names by their aliases. */
export const namedMemories = <T extends { readonly alias: string }>(
  shown: readonly T[],
  names: readonly string[],
): T[] => shown.filter(({ alias }) => names.includes(alias));
