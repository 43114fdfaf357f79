import { Request } from "zeromq";

const socket = new Request();
socket.connect(process.env.ILEMTRACK_ENDPOINT);
await socket.send(JSON.stringify({ v: 1, id: "1", method: "queue.list", params: { limit: 10 } }));
const [reply] = await socket.receive();
for (const job of JSON.parse(reply).result.jobs) console.log(job.job, job.state, job.beam_s);
socket.close();
