# Needs: the pair table of a cell line, the elements of its cohort, the section `labels`.
# Makes: its labelled pairs, each once, with distance, orientation and split.


rule label_pairs:
    """Read the labelled pairs of a cell line."""
    input:
        code=code("cbat.data.labels"),
        pairs=lambda wildcards: str(PROJECT.row(wildcards.cell_line).pairs),
        enhancers=lambda wildcards: f"results/elements/{cohort_of(wildcards)}/enhancer.parquet",
        promoters=lambda wildcards: f"results/elements/{cohort_of(wildcards)}/promoter.parquet",
        without_sequence=lambda wildcards: f"results/elements/{cohort_of(wildcards)}/without_sequence.parquet",
    output:
        pairs="results/labels/{cell_line}.parquet",
        counts="results/labels/{cell_line}.json",
    log:
        "logs/label_pairs/{cell_line}.log",
    benchmark:
        "benchmarks/label_pairs/{cell_line}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=30,
    params:
        cell_lines=sheet("cell_lines"),
        row=lambda wildcards: rows([PROJECT.row(wildcards.cell_line)], "cell_line", "pairs", "pairs_format"),
        cohort=cohort_of,
        settings=settings("labels"),
    shell:
        "cbat label_pairs --sheet {params.cell_lines:q} --cell-line {wildcards.cell_line}"
        " --elements-directory results/elements/{params.cohort} --labels {params.settings:q}"
        " --output {output.pairs} > {log} 2>&1"
