"""A collection in an OpenSearch or Elasticsearch cluster: its catalog, its sentences, and their terms."""
