import { count } from "../../count.js";
import { html, type Markup, quoted } from "../markup.js";
import { type Conversation, conversationName, type Recording } from "../read/conversation.js";
import { bankChart } from "./bank-chart.js";
import { type Life, lives } from "./life.js";
import { lifeItem } from "./life-item.js";

export interface ReportLimits {
  /** Conversations of each section, at most. */
  readonly conversations: number;
  /** Memories of each conversation's timeline, at most: those of which most is to be told. */
  readonly memories: number;
  /** Turns, and questions, of each conversation's comparison, at most. */
  readonly rows: number;
}

/** So that a page stays one that a browser opens at once, whatever was recorded. */
export const reportLimits: ReportLimits = { conversations: 8, memories: 60, rows: 120 };

export function bankSection(recorded: Recording | undefined, limits: ReportLimits): Markup {
  if (recorded === undefined) {
    return html`<p class="missing">No recording: pass --episodes with a file that <code>memory-r1 record</code> or an EpisodeRecorder wrote.</p>`;
  }
  const { conversations, name } = recorded;
  if (conversations.length === 0)
    return html`<p class="missing">The recording ${quoted(name)} holds no memory steps.</p>`;
  const shown = conversations.slice(0, limits.conversations);
  return html`<p>From the recording <em>${quoted(name)}</em>. Each row is a memory:
<span class="key"><svg viewBox="-6 -6 12 12" class="mark first"><circle r="4"/></svg>added</span>
<span class="key"><svg viewBox="-6 -6 12 12" class="mark third"><path d="M0-5 5 0 0 5-5 0Z"/></svg>updated</span>
<span class="key"><svg viewBox="-6 -6 12 12" class="mark second"><path d="M-4-4 4 4M4-4-4 4"/></svg>deleted</span>
<span class="key"><svg viewBox="-6 -6 12 12" class="mark muted"><path d="M0-4 4 3-4 3Z"/></svg>used by an answer, hollow where the answer was wrong</span></p>
${leftOut(conversations.length - shown.length, "conversation")}
${shown.map((one, at) => timeline(one, limits.memories, at === 0))}`;
}

export function leftOut(number: number, what: string): Markup | null {
  return number > 0 ? html`<p class="note">${count(number, `more ${what}`)} not shown.</p>` : null;
}

function timeline(conversation: Conversation, most: number, open: boolean): Markup {
  const all = lives(conversation);
  const shown = eventful(all, most);
  const deleted = all.filter(({ died }) => died !== null).length;
  return html`<details${open ? html` open` : null}><summary>${quoted(conversationName(conversation), 80)} <small>${count(
    conversation.steps.length,
    "turn",
  )}, ${count(all.length, "memory", "memories")}, ${deleted} deleted</small></summary>
${
  shown.length === 0
    ? html`<p class="missing">Nothing was remembered.</p>`
    : html`<figure>${bankChart(conversation, shown)}</figure>
<ol class="lives">${shown.map(lifeItem)}</ol>`
}
${all.length > shown.length ? html`<p class="note">${count(all.length - shown.length, "memory", "memories")} of which less is to be told not shown.</p>` : null}
</details>
`;
}

/** The lives with most changes and uses, in the order in which they began. */
function eventful(all: readonly Life[], most: number): readonly Life[] {
  if (all.length <= most) return all;
  const told = ({ changes, uses }: Life): number => changes.length + uses.length;
  const chosen = new Set([...all].sort((a, b) => told(b) - told(a)).slice(0, most));
  return all.filter((life) => chosen.has(life));
}
