/** Where graphs run: "cpu", "cuda" or "cuda:1", "webgpu". */
export type Device = "cpu" | "cuda" | `cuda:${number}` | "webgpu";

/** The kind without a card's number: one card computes as another of the host, a CPU does not. */
export const deviceKind = (device: Device): string => device.replace(/:\d+$/, "");
