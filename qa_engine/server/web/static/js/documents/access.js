/** What the reader may do with documents. */
import { may, server } from "../server.js";

/** Whether the server and the key let documents be changed. */
export const mayWrite = () => may("write") && server.get()?.features.write !== false;
/** Whether collections may be deleted. */
export const mayDeleteCollections = () => mayWrite() && may("admin");
