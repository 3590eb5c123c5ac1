/** What a workload is: how pods serve, how they start, what is expected of them, and what is in the way. Figures only. */

export interface Workload {
  /** `http`: requests, dropped after a time-out. `queue`: messages wait, and nothing is dropped. */
  readonly kind: "http" | "queue"
  /** How much a pod works on at once. */
  readonly workers: number
  readonly serviceSeconds: number
  /** A request is good when it is answered within this, a message when it has begun within this. */
  readonly objectiveSeconds: number
  /** On average; pods differ by START_SPREAD of it. */
  readonly startupSeconds: number
  /** Among how many pods the load balancer finds the one that is free; 1: it does not look. */
  readonly pool: number
  /** A request that has waited so long is given up. */
  readonly timeoutSeconds: number
  readonly minReplicas: number
  readonly maxReplicas: number
  /** From a second on, a pod serves so many times what it served at first. In order of time. */
  readonly drift: ReadonlyArray<{ readonly fromSeconds: number; readonly factor: number }>
  readonly lost: LostMetrics
}

/** Metrics that do not arrive. */
export interface LostMetrics {
  /** Of the scrapes. */
  readonly share: number
  readonly blackouts: ReadonlyArray<{ readonly fromSeconds: number; readonly seconds: number }>
}

export const START_SPREAD = 0.25

export const WEB: Workload = {
  kind: "http",
  workers: 4,
  serviceSeconds: 0.1,
  objectiveSeconds: 0.5,
  startupSeconds: 30,
  pool: 1,
  timeoutSeconds: 10,
  minReplicas: 1,
  maxReplicas: 60,
  drift: [],
  lost: { share: 0, blackouts: [] }
}

/** Kinds of services that people have. The first is what is meant where none is named. */
export const PLANTS: Readonly<Record<string, Workload>> = {
  web: WEB,
  fast: {
    ...WEB,
    workers: 2,
    serviceSeconds: 0.04,
    objectiveSeconds: 0.25,
    startupSeconds: 15,
    pool: 2,
    timeoutSeconds: 5
  },
  jvm: { ...WEB, workers: 8, serviceSeconds: 0.05, objectiveSeconds: 0.25, startupSeconds: 60, timeoutSeconds: 5 },
  llm: {
    ...WEB,
    workers: 16,
    serviceSeconds: 4,
    objectiveSeconds: 10,
    startupSeconds: 90,
    pool: 4,
    timeoutSeconds: 60
  },
  queue: { ...WEB, kind: "queue", workers: 1, serviceSeconds: 0.2, objectiveSeconds: 60, startupSeconds: 20 },
  batch: {
    ...WEB,
    kind: "queue",
    workers: 2,
    serviceSeconds: 2,
    objectiveSeconds: 300,
    startupSeconds: 45,
    minReplicas: 0
  }
}

/** What a pod serves per second while nothing has drifted. */
export const capacityOf = ({ serviceSeconds, workers }: Workload): number => workers / serviceSeconds

/** How many times that it serves in a second. */
export const factorAt = ({ drift }: Workload, second: number): number => {
  let factor = 1
  for (const step of drift) if (second >= step.fromSeconds) factor = step.factor
  return factor
}
