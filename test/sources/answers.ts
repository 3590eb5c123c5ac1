// What healthy outside systems answer, as the real ones were seen to.

export const vector = (...values: ReadonlyArray<string>) => ({
  status: "success",
  data: {
    resultType: "vector",
    result: values.map((value, at) => ({ metric: { pod: `web-${at}` }, value: [1_700_000_000, value] }))
  }
})

export const scalar = (value: string) => ({
  status: "success",
  data: { resultType: "scalar", result: [1_700_000_000, value] }
})

export interface ConsumerAnswer {
  readonly name: string
  readonly pending?: unknown
  readonly ackPending?: unknown
  readonly filter?: string
  readonly filters?: ReadonlyArray<string>
  readonly durable?: boolean
  readonly leader?: string
}

export const consumer = ({
  ackPending = 0,
  durable = true,
  filter,
  filters,
  leader,
  name,
  pending = 0
}: ConsumerAnswer) => ({
  stream_name: "S",
  name,
  config: {
    ...(durable ? { durable_name: name } : {}),
    ...(filter === undefined ? {} : { filter_subject: filter }),
    ...(filters === undefined ? {} : { filter_subjects: filters })
  },
  num_ack_pending: ackPending,
  num_pending: pending,
  ...(leader === undefined ? {} : { cluster: { name: "c", leader } })
})

export interface StreamAnswer {
  readonly name: string
  readonly subjects: ReadonlyArray<string>
  readonly retention?: string
  readonly messages?: unknown
  readonly leader?: string
  readonly replicas?: ReadonlyArray<string>
  readonly consumers?: ReadonlyArray<unknown>
}

export const stream = ({
  consumers,
  leader,
  messages = 0,
  name,
  replicas = [],
  retention = "limits",
  subjects
}: StreamAnswer) => ({
  name,
  config: { name, subjects, retention },
  state: { messages, bytes: 0 },
  ...(leader === undefined ? {} : { cluster: { name: "c", leader, replicas: replicas.map((one) => ({ name: one })) } }),
  ...(consumers === undefined ? {} : { consumer_detail: consumers })
})

export const jsz = (
  streams: ReadonlyArray<unknown>,
  more: {
    readonly id?: string
    readonly account?: string
    readonly others?: ReadonlyArray<string>
    readonly now?: string
  } = {}
) => ({
  server_id: more.id ?? "NA",
  now: more.now ?? new Date(1_700_000_000_000).toISOString(),
  total: 1,
  ...(more.others === undefined
    ? {}
    : {
        meta_cluster: {
          name: "c",
          leader: more.others[0],
          replicas: more.others.map((name) => ({ name })),
          cluster_size: more.others.length + 1
        }
      }),
  account_details: [{ name: more.account ?? "$G", id: more.account ?? "$G", stream_detail: streams }]
})

export const podMetrics = (
  usages: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  timestamp?: unknown
) => ({
  kind: "PodMetricsList",
  apiVersion: "metrics.k8s.io/v1beta1",
  items: Object.entries(usages).map(([name, usage]) => ({
    metadata: { name, namespace: "shop" },
    timestamp: timestamp ?? new Date(1_700_000_000_000 - 10_000).toISOString(),
    window: "15.5s",
    containers: [{ name: "app", usage }]
  }))
})

export interface PointAnswer {
  readonly agoMillis: number
  readonly value: unknown
}

/** Of Cloud Monitoring, about a Pub/Sub subscription. */
export const timeSeries = (
  points: ReadonlyArray<PointAnswer>,
  more: {
    readonly metric?: string
    readonly project?: string
    readonly subscription?: string
    readonly labels?: Readonly<Record<string, string>>
  } = {}
) => ({
  metric: {
    type: `pubsub.googleapis.com/subscription/${more.metric ?? "num_undelivered_messages"}`,
    ...(more.labels === undefined ? {} : { labels: more.labels })
  },
  resource: {
    type: "pubsub_subscription",
    labels: { project_id: more.project ?? "my-project", subscription_id: more.subscription ?? "my-subscription" }
  },
  metricKind: "GAUGE",
  valueType: "INT64",
  points: points.map(({ agoMillis, value }) => {
    const time = new Date(1_700_000_000_000 - agoMillis).toISOString()
    return { interval: { startTime: time, endTime: time }, value }
  })
})

export const int64 = (value: number | string) => ({ int64Value: String(value) })
