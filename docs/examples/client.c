/* cc client.c -lzmq -o client */
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

int main(void) {
    static char reply[1 << 20];
    void *socket = zmq_socket(zmq_ctx_new(), ZMQ_REQ);
    if (zmq_connect(socket, getenv("ILEMTRACK_ENDPOINT"))) return 1;
    char request[] = "{\"v\": 1, \"id\": \"1\", \"method\": \"queue.list\", \"params\": {\"limit\": 10}}";
    zmq_send(socket, request, sizeof request - 1, 0);
    return printf("%.*s\n", zmq_recv(socket, reply, sizeof reply, 0), reply) < 0;
}
