export type { ConformanceIndex, StoreCase, StoreCaseContext } from "./store-case.js";
export {
  conformanceIndex,
  type StoreCaseName,
  type StoreConformanceOptions,
  storeConformance,
} from "./store-conformance.js";
