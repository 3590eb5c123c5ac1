// A dozen policies as a shop might have them, each with a story worth telling, and as many plain ones as are wanted.
import type { Given } from "#test/e2e/generatedFleet"
import { signal } from "#test/e2e/generatedFleet"

const wave =
  (turns: number, low = 0.25) =>
  (share: number) =>
    low + (1 - low) * (0.5 - 0.5 * Math.cos(share * turns * 2 * Math.PI))
const surge = (from: number, to: number) => (share: number) => (share > from && share < to ? 1 : 0.3)

export const SHOP: ReadonlyArray<Given> = [
  {
    name: "checkout",
    peak: 1_500,
    perPod: 100,
    demand: wave(1.4),
    over: {
      signals: [
        signal("requests", 100),
        signal("latency", 1, { role: "latency", target: { type: "Value", milli: 250_000 } })
      ],
      objectives: {
        cost: { maxMonthlyCost: 900, costPerPodPerHour: 0.12, preferredScaleDirection: "balanced" }
      },
      bounds: { min: 3, max: 18 }
    }
  },
  { name: "cart", peak: 800, demand: wave(2.2), over: { bounds: { min: 2, max: 12 } } },
  { name: "search", namespace: "catalog", trouble: "Error", demand: wave(1), ticks: 60 },
  {
    name: "recommendations",
    namespace: "catalog",
    peak: 3_400,
    demand: surge(0.55, 0.8),
    over: { bounds: { min: 2, max: 20 } }
  },
  { name: "payments", trouble: "Missing", peak: 640, demand: wave(1.8) },
  { name: "invoices", namespace: "billing", trouble: "Refused", peak: 900, demand: surge(0.9, 1.1) },
  { name: "images", namespace: "media", peak: 420, demand: wave(3), over: { mode: "Recommend" } },
  { name: "thumbnails", namespace: "media", peak: 380, demand: wave(0.8), over: { mode: "Paused" } },
  { name: "mailer", namespace: "notify", peak: 250, demand: surge(0.2, 0.35), over: { bounds: { min: 1, max: 8 } } },
  { name: "sms", namespace: "notify", peak: 90, demand: wave(1.1), over: { bounds: { min: 1, max: 4 } } },
  { name: "ledger", namespace: "billing", peak: 1_900, demand: wave(1.3, 0.6), over: { bounds: { min: 4, max: 12 } } },
  {
    name: "gateway",
    namespace: "edge",
    peak: 2_600,
    demand: wave(2),
    perPod: 180,
    over: { bounds: { min: 4, max: 24 } }
  },
  { name: "sessions", namespace: "edge", peak: 700, demand: wave(1.6, 0.5), over: { bounds: { min: 3, max: 10 } } },
  { name: "reports", namespace: "backoffice", peak: 60, demand: () => 0.2, over: { bounds: { min: 1, max: 6 } } }
]

const TEAMS = ["shop", "catalog", "billing", "media", "edge", "notify", "search", "backoffice", "partners", "risk"]
const PARTS = ["api", "worker", "consumer", "indexer", "cache", "web", "sync", "scheduler", "proxy", "importer"]

/** Plain ones, of a few ticks each: as many as the ledger's 64 MiB hold of so many. */
export const many = (count: number): ReadonlyArray<Given> =>
  Array.from({ length: count }, (_, index) => ({
    name: `${PARTS[index % PARTS.length]}-${String(index).padStart(4, "0")}`,
    namespace: TEAMS[Math.floor(index / 7) % TEAMS.length] ?? "shop",
    peak: 200 + ((index * 37) % 1_400),
    demand: wave(0.5 + (index % 5) * 0.4),
    ticks: 8,
    ...(index % 211 === 0 ? { trouble: "Error" as const } : index % 97 === 0 ? { trouble: "Missing" as const } : {}),
    ...(index % 61 === 0 ? { over: { mode: "Paused" as const } } : {})
  }))
