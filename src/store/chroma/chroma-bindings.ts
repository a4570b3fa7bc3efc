import { createRequire } from "node:module";

/** A binary that may hold a Chroma server: chromadb's npm packages bind it to Node. */
export interface ChromaBinding {
  readonly name: string;
  /** Path to require, or undefined where the package is not installed. */
  readonly path: string | undefined;
}

const PACKAGES: Readonly<Record<string, string>> = {
  "linux-x64": "chromadb-js-bindings-linux-x64-gnu",
  "linux-arm64": "chromadb-js-bindings-linux-arm64-gnu",
  "darwin-x64": "chromadb-js-bindings-darwin-x64",
  "darwin-arm64": "chromadb-js-bindings-darwin-arm64",
};
/** The last version that loads from glibc 2.34 on; it serves the client of chromadb 3.5. */
const OLDER = "1.0.1";

/** The bindings for a platform such as "linux-x64", the newest first; none for a platform that Chroma has none for. */
export function chromaBindings(platform = `${process.platform}-${process.arch}`): ChromaBinding[] {
  const name = PACKAGES[platform];
  if (name === undefined) return [];
  const here = createRequire(import.meta.url);
  // The newest is a dependency of chromadb, which a package manager need not hoist to where we can see it.
  const chromadb = createRequire(here.resolve("chromadb"));
  const older = `${name}-${OLDER}`;
  return [
    { name, path: resolve(chromadb, name) },
    { name: older, path: resolve(here, older) },
  ];
}

function resolve(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}
