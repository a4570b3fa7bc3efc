import { fileURLToPath } from "node:url";

/** Folder of the tiny model that comes with this package: 2.2 million parameters, trained on `compactPrompts`, for a first look. */
export const tinyModel = fileURLToPath(new URL("../../../models/tiny", import.meta.url));
