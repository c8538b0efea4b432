"""A search engine of one's own in Python: a calculator that answers "@calc 6 * 7" for the whole mesh.

  npm start                                        a mesh, in one terminal
  python3 examples/search-engine/engine.py         this, in another (apt-get install python3-grpcio python3-protobuf)
  npx starling query '@calc 6 * 7'                 and ask, at any peer

No code is generated: the messages come from the descriptors that the mesh's own files are built from.
"""

import ast
import operator
import os
import queue
import sys
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

DATA = Path(os.environ.get("STARLING_DATA", ".starling"))
ADDRESS = os.environ.get("STARLING_ADDRESS", "127.0.0.1:7401")
DESCRIPTORS = Path(__file__).parents[2] / "libs/wire/starling.binpb"

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


def messages():
    """The classes of the two messages that an engine speaks."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    for file in files.file:
        pool.Add(file)
    # Newer versions of protobuf have GetMessageClass, older ones a factory with GetPrototype.
    if hasattr(message_factory, "GetMessageClass"):
        make = message_factory.GetMessageClass
    else:
        make = message_factory.MessageFactory(pool).GetPrototype
    names = ("RespondRequest", "RespondResponse")
    return [make(pool.FindMessageTypeByName("starling.v1." + name)) for name in names]


def calculate(node):
    """Numbers and the four operations, and nothing else of Python."""
    if isinstance(node, ast.Expression):
        return calculate(node.body)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](calculate(node.left), calculate(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](calculate(node.operand))
    raise ValueError("only numbers and + - * /")


def answer(question):
    """What is said to one question: one hit, or why there is none."""
    text = question["text"]
    try:
        result = calculate(ast.parse(text, mode="eval"))
    except (ValueError, SyntaxError, ZeroDivisionError, OverflowError, RecursionError, MemoryError) as error:
        return {"questionId": question["id"], "done": True, "error": str(error)[:200]}
    document = {"id": text[:256], "fields": {"expression": text, "result": result}}
    return {"questionId": question["id"], "hits": [{"document": document, "score": 1}], "done": True}


def main():
    request_class, response_class = messages()
    ca = Path(os.environ.get("STARLING_CA", DATA / "ca.pem")).read_bytes()
    token = (DATA / "responder.token").read_text().strip()
    outgoing = queue.Queue()
    outgoing.put({"attach": {"name": "calc-py", "topics": ["calc"]}})
    with grpc.secure_channel(ADDRESS, grpc.ssl_channel_credentials(ca)) as channel:
        respond = channel.stream_stream(
            "/starling.v1.SearchService/Respond",
            request_serializer=lambda event: json_format.ParseDict(event, request_class()).SerializeToString(),
            response_deserializer=response_class.FromString,
        )
        metadata = [("authorization", "Bearer " + token)]
        try:
            for response in respond(iter(outgoing.get, None), metadata=metadata):
                event = json_format.MessageToDict(response)
                if "attached" in event:
                    print('answers "@calc …", attached to', event["attached"]["peerId"], flush=True)
                elif "question" in event:
                    outgoing.put({"answer": answer({"text": "", **event["question"]})})
        except grpc.RpcError as error:
            sys.exit(f"the peer ended it: {error.details()}")
        finally:
            outgoing.put(None)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
