# Needs: the registry of published files, and the network.
# Makes: files below resources/downloads, when the configuration or a sheet names one that is not there.


# A file that is there is never fetched again, whoever put it there: so neither the registry nor the code is an
# input, and no parameter counts as changed.
rule download_source:
    """Fetch a published file that the registry names."""
    output:
        "resources/downloads/{file}",
    log:
        "logs/download_source/{file}.log",
    benchmark:
        "benchmarks/download_source/{file}.tsv"
    wildcard_constraints:
        file=rf"(?!(?:{one_of(DOWNLOADED)})$)[^/]+",
    retries: 3
    # Nodes of a cluster often have no way out.
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(720),
        disk_mb=10000,
    params:
        name=lambda wildcards, input: published(wildcards).name,
        # What the cache knows the file by.
        source=lambda wildcards, input: published(wildcards).model_dump_json(),
        settings=lambda wildcards, input: settings("retrieval"),
    message:
        "Download {wildcards.file}."
    shell:
        "cbat download --name {params.name:q} --output {output:q} --settings {params.settings:q} > {log} 2>&1"
