import { bug, type PlantedBug } from "./planted-bug.ts";
import { plantedLogBugs } from "./planted-log-bugs.ts";
import { plantedTopicBugs } from "./planted-topic-bugs.ts";

const session = "packages/core/src/session.ts";
const pacedSession = "packages/core/src/paced-session.ts";
const buffer = "packages/core/src/replay-buffer.ts";
const outgoing = "packages/core/src/outgoing-calls.ts";
const connection = "packages/server/src/server-connection.ts";
const serverSession = "packages/server/src/server-session.ts";
const acceptor = "packages/server/src/acceptor.ts";
const memory = "packages/server/src/mutation-memory.ts";
const registry = "packages/server/src/session-registry.ts";
const clientSession = "packages/client/src/client-session.ts";
const dialedConnection = "packages/client/src/dialed-connection.ts";
const dialer = "packages/client/src/dialer.ts";

export const plantedBugs: readonly PlantedBug[] = [
  bug(
    "the replay starts one too late",
    buffer,
    "this.#messages.slice()",
    "this.#messages.slice(this.#start - this.#first + 1)",
  ),
  bug(
    "the replay goes backwards",
    session,
    "this.#sent.replay((message) => connection.send(message));",
    "const all: string[] = []; this.#sent.replay((message) => all.unshift(message)); for (const message of all) connection.send(message);",
  ),
  bug(
    "what was replayed counts as acknowledged",
    session,
    "this.#sent.replay((message) => connection.send(message));",
    "this.#sent.replay((message) => connection.send(message)); this.#forget(this.#sent.end);",
  ),
  bug(
    "what was sent counts as acknowledged",
    session,
    "    else this.#connection.send(message);",
    "    else { this.#connection.send(message); this.#forget(this.#sent.end); }",
  ),
  bug(
    "a message is acknowledged before it is delivered",
    session,
    "return this.#owner.onMessage(message, this, length);",
    "return void setImmediate(() => { if (connection === this.#connection) this.#owner.onMessage(message, this, length); });",
  ),
  bug(
    "one message more is acknowledged than has come",
    session,
    "encodePlain([type, this.#received])",
    "encodePlain([type, this.#received + 1])",
  ),
  bug(
    "the count of what has come starts anew at a resume",
    session,
    "this.#connection = connection;",
    "this.#connection = connection; this.#received = 0;",
  ),
  bug(
    "pings are counted as messages",
    session,
    "      case messageType.ping:\n",
    "      case messageType.ping:\n        this.#received++;\n",
  ),
  bug(
    "an acknowledgement frees one message too many",
    buffer,
    "for (; this.#start < position; this.#start++)",
    "for (; this.#start <= position && this.#start < this.end; this.#start++)",
  ),
  bug(
    "a resume is taken from any position",
    session,
    "return !this.#lost && received >= this.#sent.start && received <= this.#sent.end;",
    "return !this.#lost;",
  ),
  bug("what overflowed is not missed", buffer, "return this.#start;\n", "return 0;\n"),
  {
    name: "the end of an old connection parks the session of the new one",
    edits: [
      { file: session, from: "if (connection !== this.#connection) return false;", to: "" },
      {
        file: connection,
        from: "    this.#session = undefined;\n    this.#connection.close(",
        to: "    this.#connection.close(",
      },
    ],
  },
  {
    name: "an old connection is heard after a takeover",
    edits: [
      { file: session, from: "if (connection !== this.#connection) return;\n", to: "" },
      {
        file: connection,
        from: '    this.#session = undefined;\n    this.#connection.close(closeCode.superseded, "superseded");',
        to: "",
      },
    ],
  },
  bug(
    "producers do not wait for their reader",
    pacedSession,
    "if (!this.#halfKept) return",
    "if (this.keptLength >= 0) return",
  ),
  bug(
    "the welcome of a resume counts from the start",
    connection,
    "{ received: session.session.received }",
    "{ received: 0 }",
  ),
  bug("the token that was used is worthless at once", registry, "tokens.previous = previous;", ""),
  bug(
    "any message confirms the newer token",
    connection,
    "if (message[0] === messageType.ack) this.#confirm();",
    "this.#confirm();",
  ),
  bug("a late hello takes the session from a newer connection", connection, "attempt <= known.attempt", "attempt < 0"),
  bug(
    "a lost connection loses its session",
    acceptor,
    "if (this.limits.sessionWindowMs <= 0 || this.#closing) {",
    "if (this.limits.sessionWindowMs > 0) {",
  ),
  bug("a parked session never expires", registry, "    this.#evict();\n    this.#expire();", "    this.#evict();"),
  bug("more sessions are parked than may be", registry, "this.#parked.size <= maxParkedSessions &&", ""),
  bug(
    "calls that waited for the context are started twice",
    serverSession,
    "if (!call.settled) this.onCall(call);",
    "if (!call.settled) { this.onCall(call); this.onCall(call); }",
  ),
  bug("a lost session's handlers run on", serverSession, "this.#peer.close(reason);", ""),
  bug("a declined call is forgotten", outgoing, "this.#onDeclined(call, pipe);", "void this.#calls.delete(id);"),
  bug(
    "a mutation of a lost session is sent again",
    outgoing,
    'if (started && call.type === "mutation" && !call.idempotent)',
    "if (started && false)",
  ),
  bug("a mutation is asked about by its newest id", outgoing, "call.firstId ??= call.id;", "call.firstId = call.id;"),
  bug(
    "a store is asked by the name that it has now",
    memory,
    "lostUnder === undefined || lostUnder !== this.nameFor(client)",
    "lostUnder === undefined",
  ),
  bug("a store is asked that may have forgotten", memory, "mostMs > keepMs / 2", "mostMs < 0"),
  bug(
    "a query of a lost session is not sent again",
    outgoing,
    'if (started && call.type === "mutation" && !call.idempotent)',
    'if (started && call.type !== "subscription" && !call.idempotent)',
  ),
  bug(
    "a cancel made while parked is not sent",
    outgoing,
    "    pipe?.send(encodePlain(code",
    "    if (pipe?.open) pipe?.send(encodePlain(code",
  ),
  bug("a subscription starts again without its last event", outgoing, ": { lastEventId };", ": {};"),
  bug("a gap is not told", outgoing, "if (call.started && call.lastEventId === undefined) call.onGap();", ""),
  bug(
    "a gap is told at every start",
    outgoing,
    "if (call.started && call.lastEventId === undefined) call.onGap();",
    "call.onGap();",
  ),
  bug(
    "an answer goes to the call that was made last",
    outgoing,
    "const call = this.#calls.get(id);",
    "const call = [...this.#calls.values()].at(-1);",
  ),
  bug(
    "close() leaves the heartbeat running",
    dialedConnection,
    "    this.#deadline?.cancel();\n    this.#connection?.close",
    "    this.#connection?.close",
  ),
  bug(
    "a move that was planned survives close()",
    dialer,
    "    this.#retry?.cancel();\n    this.#idle?.cancel();",
    "    this.#idle?.cancel();",
  ),
  bug(
    "calls that wait again are not sent with the next session",
    outgoing,
    "for (const call of this.callsOn(undefined)) this.#sendAgain(call);",
    "",
  ),
  bug(
    "a client whose buffer overflowed goes on with the server's session",
    clientSession,
    "if (received !== undefined && !this.#session.canResume(received)) return this.#startOver();",
    "if (received !== undefined && !this.#session.canResume(received)) { this.#lose(sessionLost()); this.#carry(connection, 0); }",
  ),
  bug(
    "a dropped connection's credentials are waited for",
    dialedConnection,
    "    for (const settle of this.#authentications.splice(0)) settle(reason);\n",
    "",
  ),
  ...plantedTopicBugs,
  ...plantedLogBugs,
];
