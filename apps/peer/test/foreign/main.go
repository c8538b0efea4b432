// A client that knows nothing of Starling but its address, its authority and a token: grpc-go's health check over TLS.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

func main() {
	address, ca, token := os.Args[1], os.Args[2], os.Args[3]
	tls, err := credentials.NewClientTLSFromFile(ca, "")
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(tls))
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	answer, err := grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(answer.Status)
}
