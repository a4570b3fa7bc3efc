import type { z } from "zod";
import type { roleSchema } from "./episode.js";

export type Role = z.infer<typeof roleSchema>;

/** Metadata of a model run: which role of the memory agents it was made for. */
export const ROLE_METADATA = "memory_r1_role";
