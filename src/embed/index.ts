export { OnnxEmbeddings, type OnnxEmbeddingsOptions } from "./onnx-embeddings.js";
