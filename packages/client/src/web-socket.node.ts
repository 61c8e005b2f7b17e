export { WebSocket } from "ws";
