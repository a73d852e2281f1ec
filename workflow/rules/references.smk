# Needs: labelled pairs, elements and sequences of a cell line and of the training lines; the hidden truth, if
# the line is simulated.
# Makes: what every result is compared with: prevalence, distance, one element alone, composition, oracles.


rule evaluate_references:
    """Evaluate what every model is compared with, on one cell line."""
    input:
        elements_and_sequences("training"),
        lambda wildcards: elements_and_sequences(cohort_of(wildcards)),
        code=code("cbat.evaluation.references"),
        labels="results/labels/{cell_line}.parquet",
        training_labels=expand("results/labels/{cell_line}.parquet", cell_line=PROJECT.names("train")),
        truth=truth_of,
    output:
        "results/evaluation/reference/{cell_line}/metrics.tsv",
    log:
        "logs/evaluate_references/{cell_line}.log",
    benchmark:
        "benchmarks/evaluate_references/{cell_line}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=60,
    params:
        role=role_of,
        cohort=cohort_of,
        truth=lambda wildcards, input: f"--truth {input.truth}" if input.truth else "",
        settings=settings("evaluation", "chromosomes", "n_bootstrap", "seed"),
    shell:
        "cbat evaluate_references --cell-line {wildcards.cell_line} --role {params.role}"
        " --labels {input.labels} --training-labels {input.training_labels}"
        " --elements results/elements/{params.cohort} --training-elements results/elements/training"
        " --sequences results/sequences/{params.cohort} --training-sequences results/sequences/training"
        " {params.truth} --settings {params.settings:q} --output {output} > {log} 2>&1"
