import { z } from "zod";

/** JSON has no number that is none, and writes null. */
export const jsonNumber = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
