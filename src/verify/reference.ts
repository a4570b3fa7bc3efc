import type { Checkpoint } from "../model/checkpoint/weights.js";
import type { ParameterSet } from "../model/engine/parameter-set.js";
import type { Sessions } from "../model/engine/sessions.js";
import type { Precision } from "../model/graph/precision.js";
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
