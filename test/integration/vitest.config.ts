import { defineConfig } from "vitest/config"

// One control plane for the whole run, started by setup.ts. What keeps to namespaces of its own and kills nobody else's
// servers runs beside the seeds' examples, whose windows are minutes long; the other files run one after the other,
// because they kill the API server or use what is everybody's.
const sideBySide = [
  "operator/seeds",
  "operator/takeover",
  "operator/surface",
  "operator/lifecycle",
  "operator/metricsFailure",
  "operator/rbac",
  "hpa",
  "sources/*",
  "cluster/*"
].map((name) => `test/integration/${name}.test.ts`)

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
          // One of them does little but wait.
          maxWorkers: 3,
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
