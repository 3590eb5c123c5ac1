// Bundles the operator for its image: it starts five times faster and in half the memory of the sources. What most
// installations never load, OpenTelemetry's SDK, becomes a chunk of its own behind `import()`.
// BUNDLE_ENTRY and BUNDLE_DIR are for test/bundle.test.ts, which bundles a small program of its own.
import { createRequire } from "node:module"
import { gzipSync } from "node:zlib"
import { defineConfig } from "rolldown"

const undici = Object.keys(createRequire(import.meta.url)("undici")).filter((name) => name !== "default")

/** The dashboard's page beside the bundle, compressed once and for all. */
const page = {
  name: "page",
  async generateBundle() {
    const { bundlePage } = await import("./src/dashboard/bundlePage.ts")
    for (const { name, text } of await bundlePage()) {
      const source = gzipSync(text, { level: 9 })
      this.emitFile({ type: "asset", fileName: `page/${name.replace(/^page\//, "")}.gz`, source })
    }
  }
}

export default defineConfig({
  input: { nimbusguard: process.env.BUNDLE_ENTRY ?? "src/main.ts" },
  platform: "node",
  // Only an operator that runs from its sources makes the page itself.
  external: ["rolldown"],
  // It does not say so itself: none of its thousand modules does anything but export.
  treeshake: { moduleSideEffects: [{ test: /node_modules[\\/]@kubernetes[\\/]client-node[\\/]/, sideEffects: false }] },
  plugins: [
    ...(process.env.BUNDLE_ENTRY === undefined ? [page] : []),
    {
      // NodeHttpClient loads this module by `import()`, and a split bundle loses what `export *` takes from CommonJS:
      // "Agent is not a constructor", at the first request and not before. Here its exports are named.
      name: "undici-by-name",
      load: {
        filter: { id: /@effect[\\/]platform-node[\\/]dist[\\/]Undici\.js$/ },
        handler: () =>
          `import undici from "undici"\nexport const { ${undici.join(", ")} } = undici\nexport default undici\n`
      }
    }
  ],
  output: {
    dir: process.env.BUNDLE_DIR ?? "dist",
    cleanDir: true,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
    // Stacks of a crash are read by people: names stay, and no map is loaded, which costs 100 ms and 60 MiB at start.
    minify: { compress: true, mangle: false, codegen: false },
    codeSplitting: {
      groups: [
        { name: "operator", tags: ["$initial"], priority: 2 },
        // prom-client needs the API too, and must not take the rest along.
        { name: "otel-api", test: /@opentelemetry[\\/]api[\\/]/, priority: 2 },
        { name: "otel", test: /opentelemetry/, priority: 1 }
      ]
    }
  }
})
