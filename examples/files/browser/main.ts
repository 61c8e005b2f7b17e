import { TautlineError } from "@tautline/core";
import { ConnectionLine, CutButton, Hold, Notice, startTheme } from "@tautline/example-page/browser";
import type { StoredFile } from "../api.ts";
import { download } from "./download.ts";
import { DropZone } from "./drop-zone.ts";
import { createFilesClient } from "./files-client.ts";
import { StoredList } from "./stored-list.ts";
import { Transfer } from "./transfer.ts";
import { TransferList } from "./transfer-list.ts";
import { upload } from "./upload.ts";

startTheme();
const hold = new Hold();
const client = createFilesClient(hold);

const notice = new Notice();
const transfers = new TransferList();
const stored = new StoredList({
  onDownload: (file) => void startDownload(file),
  onRemove: (file) => void remove(file),
});
new DropZone((file) => void startUpload(file));
new ConnectionLine(client.connection);
new CutButton(client.connection, hold, () => client.demo.cut.mutate());
// Each time: a server that was started again has none of the files that the page shows.
client.connection.subscribe(({ status }) => status === "online" && void refresh());
client.connection.connect();

async function startUpload(file: File): Promise<void> {
  await transfers.run(new Transfer("up", file.name, file.size), (transfer) => upload(client, file, transfer));
  await refresh();
}

async function startDownload(file: StoredFile): Promise<void> {
  await transfers.run(new Transfer("down", file.name, file.size), (transfer) => download(client, file, transfer));
}

async function remove({ id }: StoredFile): Promise<void> {
  await attempt(() => client.files.remove.mutate({ id }));
  await refresh();
}

async function refresh(): Promise<void> {
  await attempt(async () => stored.show(await client.files.list.query()));
}

/** Says in words what went wrong. */
async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
    notice.hide();
  } catch (error) {
    notice.show(TautlineError.from(error).message);
  }
}
