export type { Device } from "../onnx/session.js";
export type { EncoderOptions } from "./encoder.js";
export { OnnxEmbeddings, type OnnxEmbeddingsOptions } from "./onnx-embeddings.js";
