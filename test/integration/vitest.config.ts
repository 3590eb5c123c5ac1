import { defineConfig } from "vitest/config"

// One control plane for the whole run, started by setup.ts. What waits for minutes on its own namespaces and kills
// nothing runs side by side; the other files run one after the other, because they kill the API server.
const sideBySide = ["seeds", "surface", "lifecycle", "metricsFailure"].map(
  (name) => `test/integration/operator/${name}.test.ts`
)

const limits = { testTimeout: 240_000, hookTimeout: 240_000, teardownTimeout: 60_000 }

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  test: {
    globalSetup: ["test/integration/setup.ts"],
    projects: [
      {
        test: {
          ...limits,
          name: "side by side",
          include: sideBySide,
          maxWorkers: sideBySide.length,
          sequence: { groupOrder: 0 }
        }
      },
      {
        test: {
          ...limits,
          name: "one by one",
          include: ["test/integration/**/*.test.ts"],
          exclude: sideBySide,
          maxWorkers: 1,
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})
