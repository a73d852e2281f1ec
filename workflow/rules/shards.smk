# Needs: labelled pairs of a cell line, elements and sequences of its cohort, the section `shards`.
# Makes: its homogeneous blocks of queries with their support sets, self-contained and hashed.


rule write_block_shards:
    """Write the blocks and support sets of a cell line."""
    input:
        labels="results/labels/{cell_line}.parquet",
        elements=lambda wildcards: expand(
            "results/elements/{cohort}/{table}.parquet",
            cohort=cohort_of(wildcards),
            table=["enhancer", "promoter", "candidates"],
        ),
        sequences=lambda wildcards: expand(
            "results/sequences/{cohort}/{file}",
            cohort=cohort_of(wildcards),
            file=["enhancer.npy", "promoter.npy", "manifest.json"],
        ),
    output:
        # Named, as the cache asks for.
        **{Path(file).stem: f"results/shards/{{cell_line}}/{file}" for file in SHARD_FILES},
    log:
        "logs/write_block_shards/{cell_line}.log",
    benchmark:
        "benchmarks/write_block_shards/{cell_line}.tsv"
    cache: CACHED
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(30),
    params:
        code=code("cbat.data.shards"),
        key=cache_key,
        cohort=cohort_of,
        settings=settings("shards"),
    message:
        "Write the blocks and support sets of {wildcards.cell_line}."
    shell:
        "cbat write_block_shards --cell-line {wildcards.cell_line} --labels {input.labels}"
        " --elements-directory results/elements/{params.cohort}"
        " --sequences-directory results/sequences/{params.cohort} --settings {params.settings:q}"
        " --directory results/shards/{wildcards.cell_line} > {log} 2>&1"
