import type { ParameterSet } from "../model/parameter-set.js";
import type { Precision } from "../model/precision.js";
import type { Sessions } from "../model/sessions.js";
import type { Checkpoint } from "../model/weights.js";
import type { Device } from "../onnx/device.js";
import type { Bounds } from "./check.js";
import type { ExpectedNumbers } from "./expected-numbers.js";

export interface ReferenceOptions {
  readonly device: Device;
  /** float32 by default, whatever the device. */
  readonly precision?: Precision;
  readonly bounds: Bounds;
}

/** What all checks of one folder share. */
export interface Reference extends ReferenceOptions {
  readonly precision: Precision;
  readonly folder: string;
  readonly checkpoint: Checkpoint;
  readonly expected: ExpectedNumbers;
  readonly adapter: ParameterSet;
  readonly sessions: Sessions;
}
