import { ConnectionLine, CutButton, find, Hold, Notice, startTheme } from "@tautline/example-page/browser";
import { RoomName } from "../api.ts";
import { paintAvatar } from "./avatar.ts";
import { createChatClient } from "./chat-client.ts";
import { Conversation } from "./conversation.ts";
import { identify, rename } from "./identity.ts";
import { NodeBar } from "./node-bar.ts";
import { PeopleList } from "./people-list.ts";
import { RoomList } from "./room-list.ts";
import { Sidebar } from "./sidebar.ts";

startTheme();
const me = await identify();
const hold = new Hold();
const client = createChatClient(me, hold);

const notice = new Notice();
const sidebar = new Sidebar();
const nodeBar = new NodeBar(() => client.demo.kill.mutate());
const conversation = new Conversation(client, me, nodeBar);
const rooms = new RoomList({ onCreate: (room) => client.rooms.create.mutate({ room }) });
const people = new PeopleList(me);
new ConnectionLine(client.connection);
new CutButton(client.connection, hold, () => client.demo.cut.mutate());

client.demo.node.subscribe(undefined, { onData: (name) => nodeBar.show(name), onError });
client.rooms.list.subscribe(undefined, { onData: (names) => rooms.show(names), onError });
client.presence.online.subscribe(undefined, { onData: (online) => people.show(online), onError });

addEventListener("hashchange", enterRoom);
enterRoom();
showMe();

/** The address names the room, so links, bookmarks and the back button work. */
function enterRoom(): void {
  const room = roomIn(location.hash);
  rooms.mark(room);
  sidebar.close();
  conversation.enter(room);
}

/** What was typed may be anything, also what nothing encodes to, such as `#100%`. */
function roomIn(hash: string): string {
  try {
    return RoomName.parse(decodeURIComponent(hash.slice(1)));
  } catch {
    return "lobby";
  }
}

function showMe(): void {
  const button = find(".me-button", HTMLButtonElement);
  paintAvatar(find(".avatar", HTMLElement, button), me);
  find(".person-name", HTMLElement, button).textContent = me.name;
  button.ariaLabel = `${me.name}, change your name`;
  button.addEventListener("click", () => void changeName());
}

async function changeName(): Promise<void> {
  const { name } = await rename(me);
  // The server learns a name when a connection opens, and a fresh page opens one.
  if (name !== me.name) location.reload();
}

function onError(error: Error): void {
  notice.show(`The server ended this page's connection: ${error.message}`);
}
