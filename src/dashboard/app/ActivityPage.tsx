/** The scaling actions of all policies, newest first: the last two hundred that this operator did or found. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import type { Activities, Activity } from "../api/shapes.ts"
import { ask, words } from "./ask.ts"
import { fleet, link, now, rows } from "./fleetState.ts"
import { policyHref } from "./route.ts"
import { iso, moment } from "./words.ts"

const READ_EVERY_MILLIS = 5_000

const ActivityRow = ({ each }: { readonly each: Activity }) => {
  const up = each.to > each.from
  const failed = each.outcome === "Refused" || each.outcome === "Unknown"
  return (
    <tr>
      <td class="num">
        <time dateTime={iso(each.at)} title={iso(each.at)}>
          {moment(each.at, now.value)}
        </time>
      </td>
      <th scope="row">
        <span class="line">
          <bdi>{each.target}</bdi>
        </span>
        <span class="line dim">
          <bdi>{each.namespace}</bdi>
        </span>
      </th>
      <td class="num move">
        <span class={failed ? "bad" : up ? "up" : "down"} aria-hidden="true">
          {failed ? "×" : up ? "▲" : "▼"}
        </span>
        {each.from} → <strong>{each.to}</strong>
      </td>
      <td class="outcome">
        <span class={failed ? "tag bad" : "tag"}>{each.outcome}</span>
      </td>
      <td class="by">
        <a class="line" href={policyHref({ kind: each.kind, namespace: each.namespace, name: each.policy }, each.id)}>
          <bdi>{each.policy}</bdi>
        </a>
        <span class="line dim">{each.engine}</span>
      </td>
      <td class="words">{each.message ?? each.reason}</td>
    </tr>
  )
}

export const ActivityPage = () => {
  const known = useSignal<Activities | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  /** Anything that moved anywhere is news here. */
  const moved = [...rows.value.values()].reduce(
    (latest, { scaledAt = "" }) => (scaledAt > latest ? scaledAt : latest),
    ""
  )

  useEffect(() => {
    const read = () => {
      ask<Activities>("/activity").then(
        (answer) => {
          known.value = answer
          problem.value = undefined
        },
        (error: unknown) => {
          problem.value = words(error)
        }
      )
    }
    read()
    const timer = setInterval(read, READ_EVERY_MILLIS)
    return () => clearInterval(timer)
  }, [moved, link.value._tag === "Live"])

  const activity = known.value?.activity
  return (
    <main class="page">
      <div class="title">
        <h1>Activity</h1>
        <p class="dim">
          Every write of replicas, newest first; the last 200. As JSON:{" "}
          <a href="/scaling-activity">/scaling-activity</a>
        </p>
      </div>
      {activity === undefined && (
        <div class="empty">
          <h2>{problem.value ?? "Reading the activity…"}</h2>
        </div>
      )}
      {activity?.length === 0 && (
        <div class="empty">
          <h2>{fleet.value?.leadership.leading === false ? "A standby scales nothing" : "Nothing was scaled yet"}</h2>
          <p>
            {fleet.value?.leadership.leading === false
              ? `${fleet.value.leadership.holder ?? "Nobody"} leads.`
              : "Since this operator started, every decision was to stay."}
          </p>
        </div>
      )}
      {activity !== undefined && activity.length > 0 && (
        <div class="wide" role="region" aria-label="Scaling actions" tabIndex={0}>
          <table class="activity">
            <thead>
              <tr>
                <th scope="col" class="num">
                  Time
                </th>
                <th scope="col">Workload</th>
                <th scope="col" class="num">
                  Replicas
                </th>
                <th scope="col">Outcome</th>
                <th scope="col">Policy</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {activity.map((each) => (
                <ActivityRow key={each.id} each={each} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </main>
  )
}
