/**
 * From offsets to one number: how many messages the group has yet to read. Pure. Where a commit is absent or outside
 * its log, the consumer's own rule (offsetResetPolicy) says what it will read, and no rule makes a typing error a zero.
 */
import { measured, missing } from "#schemas/Reading"
import type { Millis, Missing, Reading } from "#schemas/Reading"
import type { PartitionOffsets } from "#services/Kafka"

/** How long a partition stands still, while another moves, before it counts as stuck. */
export const STUCK_MILLIS = 300_000

export interface LagQuestion {
  readonly group: string
  readonly topic: string | undefined
  readonly partitionLimitation: string | undefined
  readonly offsetResetPolicy: "latest" | "earliest"
  readonly scaleToZeroOnInvalidOffset: boolean
  readonly excludePersistentLag: boolean
  readonly allowIdleConsumers: boolean
  readonly limitToPartitionsWithLag: boolean
  readonly onEmpty: "Missing" | "Zero"
  readonly at: Millis
  /** What one pod is to have, where the target is a value per pod. */
  readonly perPod: number | undefined
  /** Somebody is running who could have committed by now. */
  readonly hasPods: boolean
}

type Range = readonly [number, number]

const rangesOf = (limitation: string): ReadonlyArray<Range> =>
  limitation.split(",").map((part): Range => {
    const [first = 0, last = first] = part.split("-").map(Number)
    return [Math.min(first, last), Math.max(first, last)]
  })

const limited = (
  partitions: ReadonlyArray<PartitionOffsets>,
  limitation: string | undefined
): ReadonlyArray<PartitionOffsets> | Missing => {
  if (limitation === undefined) return partitions
  const ranges = rangesOf(limitation)
  const beyond = ranges.map(([, last]) => last).find((last) => last >= partitions.length)
  return beyond === undefined
    ? partitions.filter(({ partition }) => ranges.some(([first, last]) => first <= partition && partition <= last))
    : missing(
        "NotFound",
        `There is no partition ${beyond}: the topic has ${partitions.length}, from 0 on. Correct partitionLimitation.`
      )
}

/** Messages behind a commit inside its log, or undefined. What retention took away nobody will read any more. */
const lagOf = ({ committed, earliest, latest }: PartitionOffsets): bigint | undefined => {
  if (committed === undefined || committed > latest) return undefined
  return latest - (committed < earliest ? earliest : committed)
}

const sum = (numbers: ReadonlyArray<bigint>): bigint => numbers.reduce((all, one) => all + one, 0n)

const noCommit = (group: string, what: string) =>
  missing(
    "NoConsumer",
    `The group ${group} has no offset committed ${what}, so its lag is not known. Correct consumerGroup, let its consumers commit, or say by offsetResetPolicy: earliest or scaleToZeroOnInvalidOffset what such a group has to read.`
  )

/** The messages of partitions without a usable commit, as the consumer's own rule sees them. */
const unread = (invalid: ReadonlyArray<PartitionOffsets>, question: LagQuestion): bigint => {
  const kept = sum(invalid.map(({ earliest, latest }) => latest - earliest))
  if (question.offsetResetPolicy === "earliest") return kept
  // A consumer would start at the end and find nothing; but one has to start, or none will ever commit.
  return question.scaleToZeroOnInvalidOffset || kept === 0n ? 0n : 1n
}

/** Partitions that stand still while others of the group move: more pods do not help them. */
const stuck = (partitions: ReadonlyArray<PartitionOffsets>, at: Millis): ReadonlySet<PartitionOffsets> => {
  const moving = partitions.some(({ hasMoved, standsSince }) => hasMoved && at - standsSince < STUCK_MILLIS)
  return new Set(moving ? partitions.filter(({ standsSince }) => at - standsSince >= STUCK_MILLIS) : [])
}

export const readLag = (all: ReadonlyArray<PartitionOffsets>, question: LagQuestion): Reading => {
  const { at, group, perPod } = question
  if (all.length === 0) {
    return question.onEmpty === "Zero"
      ? measured(0, at)
      : noCommit(group, "anywhere; a topic that is named is looked at all the same")
  }
  const partitions = limited(all, question.partitionLimitation)
  if (!Array.isArray(partitions)) return partitions as Missing
  const counted = partitions as ReadonlyArray<PartitionOffsets>

  const ahead = counted.find(({ committed, latest }) => committed !== undefined && committed > latest)
  if (ahead !== undefined && question.hasPods) {
    return missing(
      "Negative",
      `The group ${group} has committed beyond the end of the partition ${ahead.partition} of ${ahead.topic}: the topic was made anew, or lost messages. Reset the group's offsets there.`
    )
  }
  const invalid = counted.filter((one) => lagOf(one) === undefined)
  const decided = question.offsetResetPolicy === "earliest" || question.scaleToZeroOnInvalidOffset
  if (invalid.length === counted.length && question.hasPods && !decided) {
    return noCommit(group, `in ${question.topic ?? "its topics"}, although pods are running`)
  }

  const left = question.excludePersistentLag ? stuck(counted, at) : new Set()
  const lags = counted.filter((one) => !left.has(one)).map((one) => lagOf(one) ?? 0n)
  const lag = sum(lags) + unread(invalid, question)
  if (lag > BigInt(Number.MAX_SAFE_INTEGER)) {
    return missing("Overflow", "The lag is too large to be true. Correct the group's offsets.")
  }
  if (perPod === undefined || question.allowIdleConsumers) return measured(Number(lag), at)
  // A partition has one consumer at a time, so that more pods than partitions would only stand by.
  const useful = question.limitToPartitionsWithLag
    ? lags.filter((one) => one > 0n).length + (unread(invalid, question) > 0n ? invalid.length : 0)
    : counted.length
  return measured(Math.min(Number(lag), useful * perPod), at)
}
