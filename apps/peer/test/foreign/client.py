# A client that knows nothing of Starling but its address, its authority and a token: grpcio's health check over TLS.
import sys

import grpc

address, ca, token = sys.argv[1:4]
with open(ca, "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
with grpc.secure_channel(address, credentials) as channel:
    # grpc.health.v1: an empty request asks for the whole server; field 1 of the answer is the status, 1 is SERVING.
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    try:
        answer = check(b"", timeout=10, metadata=[("authorization", "Bearer " + token)])
    except grpc.RpcError as error:
        print(error.code().name, error.details())
        sys.exit(1)
    print("SERVING" if answer == b"\x08\x01" else answer)
