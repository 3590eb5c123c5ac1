/**
 * From what the servers of a NATS cluster say to one number, or to the reason why there is none. A follower's
 * numbers are never taken: they are often zero, and zero would remove every pod.
 */
import { measured, missing } from "#schemas/Reading"
import type { Millis, Missing, Reading } from "#schemas/Reading"
import type { JetStreamView } from "#services/Nats"
import type { JetStreamConsumer, JetStreamStream } from "#services/natsMonitoring"
import { related, covers } from "#sources/nats/subjects"
import { unusable } from "#sources/Source"

export interface BacklogQuestion {
  readonly subject: string
  readonly account?: string
  readonly stream?: string
  readonly consumer?: string
  readonly aggregate?: "sum" | "max"
}

/** Something as each server tells it; `trusted` is the telling of the one that leads it. */
interface Told<A> {
  readonly any: A
  readonly leader: string | undefined
  readonly trusted: { readonly value: A; readonly now: Millis | undefined } | undefined
}

type Servers = JetStreamView["servers"]
type Tellings<A> = ReadonlyArray<{ readonly server: Servers[number]; readonly value: A }>

const settle = <A extends { readonly leader: string | undefined }>(tellings: Tellings<A>): Told<A> | undefined => {
  const [first] = tellings
  if (first === undefined) return undefined
  const trusted = tellings.find(({ server, value }) => !server.clustered || value.leader === server.name)
  const leader = trusted?.value.leader ?? tellings.find(({ value }) => value.leader !== undefined)?.value.leader
  return {
    any: first.value,
    leader,
    trusted: trusted === undefined ? undefined : { value: trusted.value, now: trusted.server.now }
  }
}

const grouped = <A extends { readonly leader: string | undefined }>(
  tellings: Tellings<A>,
  key: (value: A) => string
): ReadonlyArray<Told<A>> =>
  [...Map.groupBy(tellings, ({ value }) => key(value)).values()].map(settle).filter((told) => told !== undefined)

const listed = (names: ReadonlyArray<string>) =>
  names.length === 0 ? "none" : names.slice(0, 10).join(", ") + (names.length > 10 ? ", ..." : "")

const streamName = ({ account, name }: JetStreamStream) => (account === "$G" ? name : `${account}/${name}`)

const howToReach =
  "Name the monitoring addresses of all members in peerMonitoringURLs, or the headless Service in natsMonitoringURL."

const unled = (what: string, leader: string | undefined, unreached: ReadonlyArray<string>): Missing =>
  leader === undefined
    ? missing("NotLeader", `${what} has no leader at present. Wait for the election, or look why its servers are away.`)
    : missing(
        "NotLeader",
        `${what} is led by ${leader}, which was not reached (not reached: ${listed(unreached)}), and others do not know the number. ${howToReach}`
      )

const incomplete = (what: string, unreached: ReadonlyArray<string>): Missing =>
  missing("NotLeader", `${what} on the servers that were reached (not reached: ${listed(unreached)}). ${howToReach}`)

const findStream = (view: JetStreamView, question: BacklogQuestion): Told<JetStreamStream> | Missing => {
  const { account, stream, subject } = question
  const all = grouped(
    view.servers.flatMap((server) => server.streams.map((value) => ({ server, value }))),
    ({ account: owner, name }) => JSON.stringify([owner, name])
  ).filter(({ any }) => account === undefined || any.account === account)
  const found = all.filter(({ any }) =>
    stream === undefined ? any.subjects.some((pattern) => covers(pattern, subject)) : any.name === stream
  )
  const [only] = found
  if (only === undefined) {
    const wanted = stream === undefined ? `No stream covers ${subject}` : `There is no stream ${stream}`
    if (view.unreached.length > 0) return incomplete(wanted, view.unreached)
    if (view.servers.every(({ enabled }) => !enabled)) {
      return missing("NoStream", "JetStream is not enabled on this NATS server. Enable it, or name another server.")
    }
    const names = all.map(({ any }) => `${streamName(any)} (${listed(any.subjects)})`)
    return missing("NoStream", `${wanted}. Streams there: ${listed(names)}. Correct the subject, or create the stream.`)
  }
  if (found.length === 1) return only
  const names = listed(found.map(({ any }) => streamName(any)))
  return missing("AmbiguousConsumer", `Several streams cover ${subject}: ${names}. Name one in stream, or its account.`)
}

/** A debugging tail must not make a service ambiguous: the short-lived count only where nothing durable does. */
const preferDurable = (consumers: ReadonlyArray<Told<JetStreamConsumer>>) => {
  const durable = consumers.filter(({ any }) => any.durable)
  return durable.length > 0 ? durable : consumers
}

const matches = (consumer: JetStreamConsumer, subject: string) =>
  consumer.filters.length === 0 || consumer.filters.some((filter) => related(filter, subject))

const numbers = (values: ReadonlyArray<number>, what: string): Missing | undefined => {
  const odd = values.find((value) => Number.isFinite(value) && !Number.isInteger(value))
  if (odd !== undefined) {
    return missing("Malformed", `${what} is not a whole number. Check that natsMonitoringURL names a nats-server.`)
  }
  return values.map((value) => unusable(value, what)).find((bad) => bad !== undefined)
}

const at = (now: Millis | undefined, tick: Millis) => Math.min(now ?? tick, tick)

const ofMessages = (told: Told<JetStreamStream>, view: JetStreamView, tick: Millis): Reading => {
  const name = streamName(told.any)
  if (told.any.retention !== "workqueue" && told.any.retention !== "interest") {
    return missing(
      "NoConsumer",
      `The stream ${name} has no consumer, and keeps messages whether or not somebody has read them. Create the consumer, so that there is a backlog to count.`
    )
  }
  if (told.trusted === undefined) return unled(`The stream ${name}`, told.leader, view.unreached)
  const { now, value } = told.trusted
  return numbers([value.messages], `The message count of ${name}`) ?? measured(value.messages, at(now, tick))
}

const ofConsumers = (
  chosen: ReadonlyArray<Told<JetStreamConsumer>>,
  view: JetStreamView,
  aggregate: "sum" | "max" | undefined,
  tick: Millis
): Reading => {
  let value = 0
  let oldest = tick
  for (const told of chosen) {
    const what = `The consumer ${told.any.name}`
    if (told.trusted === undefined) return unled(what, told.leader, view.unreached)
    const { ackPending, pending } = told.trusted.value
    const bad = numbers([pending, ackPending], `The backlog of the consumer ${told.any.name}`)
    if (bad !== undefined) return bad
    value = aggregate === "max" ? Math.max(value, pending + ackPending) : value + pending + ackPending
    oldest = at(told.trusted.now, oldest)
  }
  return unusable(value, "The backlog") ?? measured(value, oldest)
}

export const readBacklog = (view: JetStreamView, question: BacklogQuestion, tick: Millis): Reading => {
  const stream = findStream(view, question)
  if ("_tag" in stream) return stream
  const { account, name } = stream.any
  const { aggregate, consumer, subject } = question
  const all = grouped(
    view.servers.flatMap((server) =>
      server.streams
        .filter((one) => one.account === account && one.name === name)
        .flatMap(({ consumers }) => consumers.map((value) => ({ server, value })))
    ),
    (one) => one.name
  )
  const chosen =
    consumer === undefined
      ? preferDurable(all.filter(({ any }) => matches(any, subject)))
      : all.filter(({ any }) => any.name === consumer)
  const names = listed(
    all.map(({ any }) => (any.filters.length === 0 ? any.name : `${any.name} (${listed(any.filters)})`))
  )
  if (chosen.length === 0) {
    const wanted =
      consumer === undefined
        ? `No consumer of the stream ${streamName(stream.any)} takes ${subject}`
        : `The stream ${streamName(stream.any)} has no consumer ${consumer}`
    if (view.unreached.length > 0) return incomplete(wanted, view.unreached)
    if (all.length === 0 && consumer === undefined) return ofMessages(stream, view, tick)
    return missing("NoConsumer", `${wanted}. Consumers there: ${names}. Correct the name, or create the consumer.`)
  }
  if (chosen.length > 1 && aggregate === undefined) {
    const several = listed(chosen.map(({ any }) => any.name))
    return missing(
      "AmbiguousConsumer",
      `Several consumers of ${streamName(stream.any)} take ${subject}: ${several}. Name one in consumer, or set aggregate to sum or max.`
    )
  }
  // Consumers may have fewer copies than their stream, so a part of the sum could be where nobody was reached.
  const unseen = view.unreached.filter((server) => stream.any.members.includes(server))
  return aggregate !== undefined && consumer === undefined && unseen.length > 0
    ? incomplete(`Not every consumer of the stream ${streamName(stream.any)} is known`, unseen)
    : ofConsumers(chosen, view, aggregate, tick)
}
