/** Where graphs run: "cpu", "cuda" or "cuda:1", "webgpu". */
export type Device = "cpu" | "cuda" | `cuda:${number}` | "webgpu";
