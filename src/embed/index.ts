export type { Device } from "../onnx/device.js";
export type { EncoderOptions } from "./encoder.js";
export { OnnxEmbeddings, type OnnxEmbeddingsOptions } from "./onnx-embeddings.js";
