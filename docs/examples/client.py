import os

import zmq

socket = zmq.Context().socket(zmq.REQ)
socket.connect(os.environ["ILEMTRACK_ENDPOINT"])
socket.send_json({"v": 1, "id": "1", "method": "queue.list", "params": {"limit": 10}})
for job in socket.recv_json()["result"]["jobs"]:
    print(job["job"], job["state"], job["beam_s"])
