/**
 * Every setting of the operator in one typed table: its name, what it means, how its text is read and what it is
 * when nobody says anything. loadSettings.ts fills it in; flags, documentation and `doctor` are made from it.
 */
import * as Context from "effect/Context"
import type * as Redacted from "effect/Redacted"
import type { PolicyDefaults } from "#schemas/crd/Crd"
import * as readers from "./settingReaders.ts"

/** What is true of this process before anybody configures it. */
export interface Surroundings {
  readonly inCluster: boolean
  readonly terminal: boolean
  readonly hostname: string
  /** From the service account's mounted file. */
  readonly namespace: string | undefined
}

export interface Setting<A> {
  readonly variable: string
  /** Spellings that are read too, after the variable itself. */
  readonly aliases: ReadonlyArray<string>
  readonly description: string
  /** The default, as the documentation says it. */
  readonly absent: string
  readonly read: readers.Reader<A>
  readonly whenAbsent: (surroundings: Surroundings) => A
  /** Never echoed, and no flag: the process list shows flags to everybody on the machine. */
  readonly secret: boolean
  /** Without the dashes. */
  readonly flag: string | undefined
}

type Extra = { readonly absent?: string; readonly aliases?: ReadonlyArray<string>; readonly flag?: false }

const setting = <A>(
  variable: string,
  read: readers.Reader<A>,
  whenAbsent: A | ((surroundings: Surroundings) => A),
  description: string,
  extra: Extra = {}
): Setting<A> => ({
  variable,
  aliases: extra.aliases ?? [],
  description,
  absent: extra.absent ?? String(whenAbsent),
  read,
  whenAbsent: whenAbsent instanceof Function ? whenAbsent : () => whenAbsent,
  secret: false,
  flag: extra.flag === false ? undefined : variable.toLowerCase().replaceAll("_", "-")
})

const optional = <A>(variable: string, read: readers.Reader<A>, description: string, extra: Extra = {}) =>
  setting<A | undefined>(variable, read, undefined, description, { absent: "unset", ...extra })

const secret = (
  variable: string,
  description: string,
  read = readers.secret,
  aliases: ReadonlyArray<string> = []
): Setting<Redacted.Redacted<string> | undefined> => ({
  ...optional(variable, read, description, { flag: false, aliases }),
  secret: true
})

export const SETTINGS = {
  logLevel: setting(
    "LOG_LEVEL",
    readers.logLevel,
    "Info",
    "The least level that is logged: trace, debug, info, warn (or warning), error, fatal, none; in any case.",
    { absent: "info" }
  ),
  logFormat: setting(
    "LOG_FORMAT",
    readers.oneOf("json", "pretty"),
    ({ terminal }): "json" | "pretty" => (terminal ? "pretty" : "json"),
    "One JSON object per line, or lines for people.",
    { absent: "pretty on a terminal, else json" }
  ),
  metricsPort: setting("METRICS_PORT", readers.port, 8000, "Port of the Prometheus metrics (`/metrics`)."),
  probePort: setting(
    "PROBE_PORT",
    readers.port,
    8080,
    "Port of the probes (`/healthz`, `/livez`, `/ready`, `/readyz`), of `/metrics` too, and of events in. The same number as METRICS_PORT makes one listener serve both."
  ),
  dashboardPort: setting(
    "DASHBOARD_PORT",
    readers.port,
    8082,
    "Port of the activity page, `/scaling-activity`, `/health` and `/api/v1/`."
  ),
  dashboardHost: setting(
    "DASHBOARD_HOST",
    readers.listenAddress,
    "127.0.0.1",
    "Address that the dashboard listens on. `kubectl port-forward` reaches loopback; anything wider needs DASHBOARD_TOKEN or DASHBOARD_TOKEN_REVIEW."
  ),
  dashboardToken: secret(
    "DASHBOARD_TOKEN",
    "Token that the dashboard asks for: as `Authorization: Bearer`, or as the password of a browser's login window."
  ),
  dashboardTokenReview: setting(
    "DASHBOARD_TOKEN_REVIEW",
    readers.boolean,
    false,
    "Where the dashboard listens to the network, let in whoever sends a Kubernetes token that may list scalingpolicies in all namespaces: the cluster is asked with that token, and no DASHBOARD_TOKEN is needed."
  ),
  eventsToken: secret(
    "EVENTS_TOKEN",
    "Token that `POST /api/v1/events/trigger` asks for. Unset: only callers on loopback (a port-forward) are heard."
  ),
  prometheusUrl: optional(
    "PROMETHEUS_URL",
    readers.httpUrl,
    "Prometheus for policies that name none of their own, and for CPU, memory and network where metrics.k8s.io is not served."
  ),
  openaiApiKey: secret("OPENAI_API_KEY", "Key for policies that ask for the advisor. Without it nothing is sent."),
  openaiBaseUrl: setting(
    "OPENAI_BASE_URL",
    readers.httpUrl,
    "https://api.openai.com/v1",
    "Where the OpenAI API, or one that speaks like it, is served."
  ),
  openaiModel: setting("OPENAI_MODEL", readers.text, "gpt-4o-mini", "Model that the advisor asks."),
  openaiCallsPerHour: setting(
    "OPENAI_CALLS_PER_HOUR",
    readers.count,
    60,
    "Requests to the model within an hour, in equal shares for all policies that ask; beyond that there is no advice."
  ),
  openaiTokensPerHour: setting(
    "OPENAI_TOKENS_PER_HOUR",
    readers.count,
    200_000,
    "Tokens within an hour, sent and answered."
  ),
  openaiPseudonyms: setting(
    "OPENAI_PSEUDONYMS",
    readers.boolean,
    true,
    "Keep the names of workloads and signals out of what the model is asked. Secrets, labels, annotations and servers' own words are never sent."
  ),
  openaiInputPrice: optional(
    "OPENAI_INPUT_PRICE",
    readers.amount,
    "Price of a million tokens that are sent, for `nimbusguard_openai_cost_total`."
  ),
  openaiOutputPrice: optional("OPENAI_OUTPUT_PRICE", readers.amount, "The same of tokens that are answered."),
  googleWorkloadIdentity: setting(
    "GOOGLE_WORKLOAD_IDENTITY",
    readers.boolean,
    false,
    "Lend the operator's own Google identity to `pubsub` signals that name no credentialsSecret: whoever may write policies may then read every backlog that this identity may read."
  ),
  googleMetadataHost: setting(
    "GCE_METADATA_HOST",
    readers.hostAndPort,
    "metadata.google.internal",
    "Host, or host:port, of Google's metadata server. Asked only with GOOGLE_WORKLOAD_IDENTITY, and only for that identity's token."
  ),
  googleMonitoringUrl: setting(
    "GOOGLE_MONITORING_URL",
    readers.httpUrl,
    "https://monitoring.googleapis.com",
    "Cloud Monitoring for `pubsub` signals that name no endpoint; a private endpoint of it, for example."
  ),
  watchNamespace: optional(
    "WATCH_NAMESPACE",
    readers.namespaces,
    "Namespaces to watch, separated by commas. Unset: all of them.",
    { absent: "all namespaces" }
  ),
  installCrds: setting(
    "INSTALL_CRDS",
    readers.boolean,
    ({ inCluster }) => !inCluster,
    "Install the CustomResourceDefinitions at start. A newer one is never overwritten.",
    { absent: "true outside a cluster, else false" }
  ),
  allowCrossNamespace: setting(
    "ALLOW_CROSS_NAMESPACE",
    readers.boolean,
    false,
    "Let an IntelligentScaling or a ScalingRule scale Deployments of another namespace than its own."
  ),
  leaderElect: setting(
    "LEADER_ELECT",
    readers.boolean,
    true,
    "Act only while holding the Lease `nimbusguard-operator`. Turn it off only where no other operator can run."
  ),
  kubeconfig: optional("KUBECONFIG", readers.text, "Files that say which cluster is meant, as kubectl reads them.", {
    absent: "the pod's service account, else ~/.kube/config"
  }),
  kubeContext: optional("KUBE_CONTEXT", readers.text, "Context of the kubeconfig to use.", {
    absent: "the current one"
  }),
  podName: setting(
    "POD_NAME",
    readers.text,
    ({ hostname }) => hostname,
    "Who this operator is in the Lease and in its Events.",
    { absent: "the host's name", flag: false }
  ),
  podNamespace: setting(
    "POD_NAMESPACE",
    readers.namespace,
    ({ namespace }) => namespace ?? "nimbusguard",
    "The operator's own namespace: its Lease and its ConfigMaps live there.",
    { absent: "the service account's, else nimbusguard where there is one, else the context's" }
  ),
  httpProxy: secret("HTTP_PROXY", "Proxy for metric sources and the advisor over http.", readers.proxyUrl, [
    "http_proxy"
  ]),
  httpsProxy: secret("HTTPS_PROXY", "The same over https.", readers.proxyUrl, ["https_proxy"]),
  noProxy: optional("NO_PROXY", readers.text, "Hosts and domains that are asked without a proxy.", {
    aliases: ["no_proxy"],
    flag: false
  }),
  otlpEndpoint: optional(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    readers.httpUrl,
    "Collector of traces (OTLP over HTTP); `/v1/traces` is added. Every standard OTEL_* variable of traces is honoured.",
    { flag: false }
  ),
  otlpTracesEndpoint: optional(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    readers.httpUrl,
    "The same for traces alone, taken as it stands.",
    { flag: false }
  ),
  otelDisabled: setting("OTEL_SDK_DISABLED", readers.boolean, false, "True turns tracing off.", { flag: false }),
  otelTracesExporter: setting(
    "OTEL_TRACES_EXPORTER",
    readers.oneOf("otlp", "none"),
    "otlp",
    "`none` turns tracing off.",
    { flag: false }
  ),
  defaultsFile: setting(
    "DEFAULTS_FILE",
    readers.text,
    "/etc/nimbusguard/defaults.yaml",
    "Defaults of ScalingPolicies (`learning_rate`, `min_replicas`, ...; the table below)."
  ),
  settingsDir: setting(
    "SETTINGS_DIR",
    readers.text,
    "/etc/nimbusguard",
    "Folder of mounted files, each named as one of these variables; flags and environment win over them."
  )
} as const satisfies Record<string, Setting<never> | Setting<unknown>>

export type Values = {
  readonly [Key in keyof typeof SETTINGS]: (typeof SETTINGS)[Key] extends Setting<infer A> ? A : never
}

export interface Settings extends Values {
  readonly inCluster: boolean
  /** Whether spans are exported anywhere. */
  readonly tracing: boolean
  readonly defaults: PolicyDefaults
}

export const isLoopback = (address: string) =>
  address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.")

export const Settings = Context.Service<Settings>("nimbusguard/services/Settings")
