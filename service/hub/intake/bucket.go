package intake

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/service/hub/broker"
)

// bucket opens a bucket, or makes it. What we wrote to it, we read: with replicas, the
// leader is asked. Read directly, as a bucket is usually, any of them answers, also one
// that has not heard yet of the record that the leader has just acknowledged; a commit
// was forgotten for good by that, and a receipt denied.
func (o Options) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	wanted := jetstream.KeyValueConfig{Bucket: name, Replicas: o.Replicas}
	kv, err := broker.Made(ctx, func(ctx context.Context) (jetstream.KeyValue, error) { return o.JS.CreateOrUpdateKeyValue(ctx, wanted) })
	if err != nil || o.Replicas <= 1 {
		return kv, err
	}
	s, err := o.JS.Stream(ctx, "KV_"+name)
	if err != nil {
		return nil, err
	}
	config := s.CachedInfo().Config
	config.AllowDirect = false
	if _, err := o.JS.UpdateStream(ctx, config); err != nil {
		return nil, err
	}
	return o.JS.KeyValue(ctx, name) // looks how it is to be read
}
